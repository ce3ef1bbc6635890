package lock

import (
	"os"
	"sync"
)

// Held keeps the reservations of servers open in this process too, for servers that close
// what they inherited, or that can inherit nothing. Its zero value holds nothing.
type Held struct {
	mutex sync.Mutex
	files map[string][]*os.File // by server
}

// Hold keeps the locks until the server lets go.
func (h *Held) Hold(server string, files ...*os.File) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.files == nil {
		h.files = map[string][]*os.File{}
	}
	h.files[server] = append(h.files[server], files...)
}

// LetGo gives the locks of a server up. What the server inherited it holds on.
func (h *Held) LetGo(server string) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for _, file := range h.files[server] {
		_ = file.Close() // releases the lock
	}
	delete(h.files, server)
}
