# What holds for every process, whoever asks.

# What is not in the catalogue is neither opened nor delegated.
forbid(_actor, action, process: Process, "process-unknown") if
    action in ["open", "delegate"] and
    process.state = "unknown";

# What Inmetro has closed is neither opened nor delegated; delegations of it can still be
# taken back.
forbid(_actor, action, process: Process, "process-closed") if
    action in ["open", "delegate"] and
    process.state = "closed";
