"""What Exchange last told us, per viewer, sealed. It may be deleted at any moment: it is pulled again."""
