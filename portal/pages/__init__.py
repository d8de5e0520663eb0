"""What each page shows, as a dataclass made by one function of account and moment; no request in, no HTML
out."""
