package prove

import (
	"errors"
	"fmt"
	"path"

	"github.com/imgaudit/imgaudit/pkg/layers"
)

// capabilities are those that docker gives by default. Source: moby/moby, daemon/pkg/oci/caps/defaults.go.
var capabilities = []string{"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"}

// object is a JSON object of the run-time specification.
type object = map[string]any

// bundleConfig is the OCI run-time's configuration: what containerd makes of an image's for Kubernetes, with a network of
// its own that has nothing but a loopback. Source: OCI runtime-spec config.md, config-linux.md.
func bundleConfig(img *layers.Image, r Run, cgroup string) (object, error) {
	user := img.Config.User
	if r.User != "" {
		user = r.User
	}
	id := img.FS.Identity(user)
	if id.Err != "" {
		return nil, errors.New(id.Err)
	}
	config := img.Config
	if r.Args != nil {
		config.Cmd = r.Args
	}
	argv := append(append([]string{}, config.Entrypoint...), config.Cmd...)
	if len(argv) == 0 {
		return nil, errors.New("no command specified")
	}
	granted := object{"bounding": capabilities}
	if id.UID == 0 {
		granted["effective"], granted["permitted"] = capabilities, capabilities
	}
	groups := id.Groups
	if groups == nil {
		groups = []int{}
	}
	return object{
		"ociVersion": "1.0.2",
		"process": object{
			"user": object{"uid": id.UID, "gid": id.GID, "additionalGids": groups},
			"args": argv, "env": environment(config, id, r.Env), "cwd": path.Join("/", config.WorkingDir),
			"capabilities":    granted,
			"rlimits":         []object{{"type": "RLIMIT_NOFILE", "hard": 4096, "soft": 1024}},
			"noNewPrivileges": false,
		},
		"root":     object{"path": "rootfs", "readonly": r.ReadOnly},
		"hostname": "imgaudit",
		"mounts":   append(mounts(), extraMounts(r)...),
		"linux": object{
			"cgroupsPath": cgroup,
			"namespaces":  []object{{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "network", "path": r.network.path}},
			"resources":   resources(r),
		},
	}, nil
}

// environment is the image's with what the run-time adds to it: PATH and HOME where they are not set.
func environment(c layers.Config, id layers.Identity, extra []string) []string {
	env := append(append([]string{}, c.Env...), extra...)
	if _, set := (layers.Config{Env: env}).Getenv("PATH"); !set {
		env = append(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	if _, set := (layers.Config{Env: env}).Getenv("HOME"); !set {
		env = append(env, "HOME="+id.Home)
	}
	return env
}

// mounts are those that every container has. Source: runtime-spec config-linux.md, "Default Filesystems".
func mounts() []object {
	return []object{
		{"destination": "/proc", "type": "proc", "source": "proc"},
		{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}},
		{"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": []string{"nosuid", "noexec", "nodev"}},
		{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": []string{"nosuid", "noexec", "nodev", "ro"}},
		// Without it Go's runtime does not see the CPU limit (internal/runtime/cgroup reads /proc/self/mountinfo).
		{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": []string{"nosuid", "noexec", "nodev", "relatime", "ro"}},
	}
}

func extraMounts(r Run) []object {
	var all []object
	for _, t := range r.Tmpfs {
		all = append(all, object{"destination": t.Path, "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "nodev", fmt.Sprintf("size=%d", t.Size), fmt.Sprintf("mode=%o", t.Mode)}})
	}
	for _, b := range r.Binds {
		all = append(all, object{"destination": b.Target, "type": "bind", "source": b.Source, "options": []string{"rbind", "ro"}})
	}
	return all
}

// resources are the limits of the control group. Source: runtime-spec config-linux.md, "Control groups".
func resources(r Run) object {
	limits := object{"devices": []object{{"allow": false, "access": "rwm"}}}
	if r.Memory > 0 {
		limits["memory"] = object{"limit": r.Memory, "swap": r.Memory}
	}
	if r.CPUs > 0 {
		const period = 100_000 // microseconds
		limits["cpu"] = object{"period": period, "quota": int64(r.CPUs * period)}
	}
	if r.Pids > 0 {
		limits["pids"] = object{"limit": r.Pids}
	}
	return limits
}
