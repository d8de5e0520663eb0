"""The six charge models of the contract's section 3: billable usage in, the parts of its price out."""
