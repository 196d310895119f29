"""Many networks trained in parallel as one."""
