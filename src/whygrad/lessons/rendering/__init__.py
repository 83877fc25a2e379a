"""How a story reaches a reader: as text, as a page, as a book, as figures."""
