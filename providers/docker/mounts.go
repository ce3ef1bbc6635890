package docker

import dockermount "github.com/docker/docker/api/types/mount"

// mounts are binds of folders and files that must be there: the daemon makes none.
func mounts(list []mount) []dockermount.Mount {
	var out []dockermount.Mount
	for _, m := range list {
		out = append(out, dockermount.Mount{Type: dockermount.TypeBind, Source: m.source, Target: m.target, ReadOnly: m.readOnly})
	}
	return out
}
