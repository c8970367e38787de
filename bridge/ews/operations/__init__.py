"""One file per operation of EWS, named for it: how it is asked and how its answer is read. Pure, no network."""
