"""Who is logged in at the bridge, and with which credential Exchange is asked for him."""
