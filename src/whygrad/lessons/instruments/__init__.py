"""What the experiments measure with, compare with and draw with; none of it knows a lesson."""
