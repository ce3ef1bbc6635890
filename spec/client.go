package spec

import (
	"context"
	"fmt"
)

// ClientRunner is an optional ability of a target: it runs the client of a benchmark in a
// container on the host of its servers, which it reaches under the URLs that they have.
type ClientRunner interface {
	// PrepareClient makes sure that an image is there, and returns what names exactly its
	// content from then on.
	PrepareClient(ctx context.Context, image ClientImage) (digest string, err error)
	// RunClient runs a client to its end. When ctx ends first, the client is killed; that
	// is an error. Its container is gone once RunClient returns. What a killed aicv left is
	// found and stopped under suite and key, as a server is.
	RunClient(ctx context.Context, request ClientRequest) (ClientEnd, error)
}

// ClientImage is an image that a client is to run in.
type ClientImage struct {
	Reference string             // as the suite names it
	Digest    string             // content that it must have; empty: any
	Tell      func(phase string) // hears what takes long, such as its pull; nil: nobody does
}

// ClientRequest asks a target to run a client.
type ClientRequest struct {
	Suite  string // suite identity, kept as a label
	Key    string // of no server; a client that is left under it is removed first
	Image  string // as PrepareClient returned it
	Server Server // that it is to reach
	Client Client
}

// Client is a benchmark's own program, run once in a container. It can write into those of
// its mounts that are not read-only and into /tmp, and nowhere else, with the rights that
// aicv has on this host.
type Client struct {
	Command []string          // argv in place of the image's own; never a shell line
	Env     []EnvVar          // added to the image's; secrets stay references
	Mounts  []Mount           // folders and files of this host
	Dir     string            // working folder inside
	Line    func(line []byte) // hears each line of standard output, in order, and must not keep it; nil: nobody does
}

// ClientEnd is how a client ended by itself.
type ClientEnd struct {
	Status ServerStatus
	Image  string // content digest of the image that ran
	Stderr string // the last of standard error
}

// RunClient runs a benchmark's client where its servers are. It is handed to a benchmark
// whose declaration names an image.
type RunClient func(ctx context.Context, client Client) (ClientEnd, error)

// AttrImage is the attribute by which a benchmark names the image that its client runs in.
const AttrImage = "image"

// ClientImageRow is its row of the schema, for benchmarks that can run their client so.
func ClientImageRow(example string) Attribute {
	return Attribute{Name: AttrImage, Type: TypeString, Incidental: true, Since: "0.1", Example: example,
		Doc: "Image to run the tool in, once per run, on a docker target: beside the servers, in the network of their host. Its content is pinned in .aicv.lock. In place of a tool that is installed here."}
}

// ClientImageOf is the image that a benchmark's client runs in; empty: it runs on this host.
func ClientImageOf(benchmark *Component) string {
	if benchmark == nil {
		return ""
	}
	return benchmark.Attrs.Text(AttrImage)
}

// ClientImageUnfit is the error of a cell whose benchmark has an image, and whose target
// runs none.
func ClientImageUnfit(c *Cell) *Error {
	return &Error{Kind: ErrUsage, Attribute: AttrImage,
		Summary: fmt.Sprintf("%s runs in an image, and %s runs no images", c.Benchmark.Address(), c.Target.Address()),
		Fix:     `declare target "docker" "local" {} for the experiment, or use a benchmark without image, whose tool is installed here`}
}
