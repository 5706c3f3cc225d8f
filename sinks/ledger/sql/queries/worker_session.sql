-- A worker asks the same few statements all day: each is planned once, which for a small batch costs several times the probes
-- themselves. Such a plan may be older than the rows; all of these can only be probes of an index (`offset 0` and the session's
-- settings see to that), and which weeks they leave out is found when they run.
set plan_cache_mode = force_generic_plan;
-- Such a plan is priced for every week there is, and compiled code for it would be made again at each execution.
set jit = off;
