"""The chat page: what it shows and does; ``app.py`` puts it together and serves it."""
