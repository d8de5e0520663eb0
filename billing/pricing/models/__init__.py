"""The six charge models of the contract's section 3: each turns billable usage into the parts of its price."""
