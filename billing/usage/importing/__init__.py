"""Reading usage from files, of any size in constant memory, into the same intake as HTTP."""
