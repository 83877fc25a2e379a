"""What the lesson on depth tells."""
