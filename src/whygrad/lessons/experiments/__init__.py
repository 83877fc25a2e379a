"""One package a lesson: ``LESSON``, and beside it its story, its drawings and its networks."""
