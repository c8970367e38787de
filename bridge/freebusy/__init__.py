"""When somebody is busy: blocks from the occurrence index or from Exchange's availability, and VFREEBUSY."""
