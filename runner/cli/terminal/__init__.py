"""The terminal as a person sees it: what may be printed, in which style, and what keys do."""
