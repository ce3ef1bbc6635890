package engine

import (
	"strings"

	"aicv/spec"
)

const since = "0.1"

// The attributes that runtimes of engines have in common.
const (
	attrImage   = "image"
	attrArgs    = "args"
	attrEnv     = "env"
	attrCommand = "command"
	attrPython  = "python"
	attrVenv    = "venv"
	attrDevice  = "device"
	attrFormat  = "load_format"
	attrCache   = "cache_dir"
	attrShm     = "shm_size"
	attrTimeout = "ready_timeout"
)

const (
	deviceGPU      = "gpu"
	deviceCPU      = "cpu"
	defaultTimeout = "20m"
)

// Release are the rows that say which release of an engine runs, in place of the rows
// that all runtimes have: version and image are examples of the engine's own.
func Release(version, image string) []spec.Attribute {
	return []spec.Attribute{
		{Name: "version", Type: spec.TypeString, Since: since, Example: `"` + version + `"`,
			Doc: "Version of the engine, as its project numbers it."},
		{Name: attrImage, Type: spec.TypeString, Since: since, Example: `"` + image + `"`,
			Doc: "Container image that holds the engine."},
	}
}

// Attributes are the rows that runtimes of engines have in common. name is the engine's,
// program how it is started without anything said, shm the shared memory of containers.
func Attributes(name, program, shm string) []spec.Attribute {
	return []spec.Attribute{
		{Name: attrCommand, Type: spec.TypeStringList, Single: true, Since: since, Example: `["uv", "run", "` + strings.Join(strings.Fields(program), `", "`) + `"]`,
			Doc: "Processes: program and first arguments that start " + name + "; its flags follow. `" + program + "` on PATH where neither this, python nor venv is set."},
		{Name: attrPython, Type: spec.TypePath, Since: since, Example: `"/opt/engines/bin/python"`,
			Doc: "Processes: interpreter that has " + name + " installed."},
		{Name: attrVenv, Type: spec.TypePath, Since: since, Example: `"/opt/engines"`,
			Doc: "Processes: virtual environment that has " + name + " installed. Its bin folder is put on the server's PATH."},
		{Name: attrDevice, Type: spec.TypeString, Allowed: []string{deviceGPU, deviceCPU}, Default: spec.StringValue(deviceGPU), Since: since, Example: `"cpu"`,
			Doc: "What the engine runs on. On cpu no GPU is reserved."},
		{Name: attrFormat, Type: spec.TypeString, Since: since, Example: `"dummy"`,
			Doc: "Format in which weights are loaded, as the engine names it; dummy makes random ones. The engine's choice where it is not set."},
		{Name: attrCache, Type: spec.TypeString, Since: since, Example: `"/mnt/data/huggingface"`,
			Doc: "Containers: absolute path, on the target's host, of the model hub's cache. HF_HOME or ~/.cache/huggingface where it is not set and the model has no path."},
		{Name: attrShm, Type: spec.TypeSize, Since: since, Example: `"32GiB"`,
			Doc: "Containers: size of shared memory, which the engine's processes talk through. " + shm + " where it is not set."},
		{Name: attrTimeout, Type: spec.TypeDuration, Default: spec.StringValue(defaultTimeout), Since: since, Example: `"1h"`, Incidental: true,
			Doc: "Most time from start until requests are answered."},
	}
}
