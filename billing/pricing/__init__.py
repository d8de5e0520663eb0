"""The arithmetic of billing, pure: frozen values in, frozen values out, no Django, no clock, no database."""
