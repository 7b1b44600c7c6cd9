# the API server is away until the rig is mended
on() { stop kube-apiserver; }
off() { control_plane_up; }
