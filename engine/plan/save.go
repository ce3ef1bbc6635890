package plan

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"aicv/engine"
	"aicv/spec"
)

// A saved plan is one line of text and a compressed document:
//
//	aicv plan FORMAT SHA256-OF-THE-DOCUMENT
//	gzip(JSON)
const (
	planMagic   = "aicv plan "
	longestHead = 128
	// largestPlan bounds the document in bytes, so that a hostile file can not fill the
	// memory; a plan of 10,000 cells takes about a fiftieth.
	largestPlan = 512 << 20
)

// Save writes a plan in the form that Load reads. The same plan gives the same bytes.
func Save(w io.Writer, p *engine.Plan) error {
	document, err := json.Marshal(pack(p))
	if err != nil {
		return fmt.Errorf("encode the plan: %w", err)
	}
	sum := sha256.Sum256(document)
	head := planMagic + strconv.Itoa(engine.PlanFormat) + " " + hex.EncodeToString(sum[:]) + "\n"
	if _, err := io.WriteString(w, head); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	zipper, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return fmt.Errorf("compress the plan: %w", err)
	}
	if _, err := zipper.Write(document); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	if err := zipper.Close(); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// Load reads a saved plan. A file that is none, is damaged or incomplete, or was
// written by an aicv with another format is refused with a *spec.Error.
func Load(r io.Reader) (*engine.Plan, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	sum, err := readHead(buffered)
	if err != nil {
		return nil, err
	}
	document, err := readDocument(buffered)
	if err != nil {
		return nil, damagedPlan(err)
	}
	if actual := sha256.Sum256(document); hex.EncodeToString(actual[:]) != sum {
		return nil, damagedPlan(errors.New("its content does not match its checksum"))
	}
	return decodePlan(document)
}

func readHead(r *bufio.Reader) (string, error) {
	head, err := r.Peek(longestHead)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return "", fmt.Errorf("read the plan: %w", err)
	}
	line, _, ended := bytes.Cut(head, []byte("\n"))
	rest, isPlan := strings.CutPrefix(string(line), planMagic)
	if !isPlan || !ended {
		return "", &spec.Error{Kind: spec.ErrUsage, Summary: "this file is not a saved plan", Fix: "make one with aicv plan -out FILE"}
	}
	format, sum, _ := strings.Cut(rest, " ")
	if format != strconv.Itoa(engine.PlanFormat) {
		return "", &spec.Error{Kind: spec.ErrUsage,
			Summary: fmt.Sprintf("the saved plan has the format %q, and this aicv reads format %d", format, engine.PlanFormat),
			Fix:     "make a new plan with this aicv: aicv plan -out FILE"}
	}
	if _, err := r.Discard(len(line) + 1); err != nil {
		return "", damagedPlan(err)
	}
	return sum, nil
}

func readDocument(r io.Reader) ([]byte, error) {
	unzipper, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	document, err := io.ReadAll(io.LimitReader(unzipper, largestPlan+1))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	if len(document) > largestPlan {
		return nil, fmt.Errorf("it is larger than %d bytes", largestPlan)
	}
	return document, unzipper.Close()
}

func damagedPlan(err error) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: "the saved plan is damaged or incomplete", Cause: err,
		Fix: "make a new one: aicv plan -out FILE"}
}

// decodePlan reads the document and checks every index in it, because whoever can
// write the file can write its checksum too.
func decodePlan(document []byte) (*engine.Plan, error) {
	var s savedPlan
	if err := json.Unmarshal(document, &s); err != nil {
		return nil, damagedPlan(err)
	}
	p, err := s.unpack()
	if err != nil {
		return nil, damagedPlan(err)
	}
	if err := check(p); err != nil {
		return nil, damagedPlan(err)
	}
	if p.ID != identityOf(p) {
		return nil, damagedPlan(errors.New("its content does not match its id"))
	}
	return p, nil
}
