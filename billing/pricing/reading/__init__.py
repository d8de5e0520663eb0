"""Reading the catalogue: plain data in, values and every problem with its path out. `billing.pricing.parse`
is the door.
"""
