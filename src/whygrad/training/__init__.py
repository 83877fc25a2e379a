"""Training whygrad's own networks, recorded, resumed, replayed."""
