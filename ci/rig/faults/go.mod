module gpuhpa.example/rig/faults

go 1.26.8
