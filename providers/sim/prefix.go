package sim

import (
	"container/list"
	"hash/fnv"
)

// blockTokens is the number of tokens of one block of the prefix cache.
const blockTokens = 16

// prefixCache remembers which blocks of prompts were computed, least recently used
// first to go. Blocks are named by the hash of all tokens up to their end.
type prefixCache struct {
	capacity int // blocks
	order    *list.List
	blocks   map[uint64]*list.Element
}

func newPrefixCache(kvTokens int) *prefixCache {
	return &prefixCache{capacity: max(1, kvTokens/blockTokens), order: list.New(), blocks: map[uint64]*list.Element{}}
}

// lookup counts the leading blocks that are cached.
func (p *prefixCache) lookup(blocks []uint64) int {
	for i, hash := range blocks {
		element, ok := p.blocks[hash]
		if !ok {
			return i
		}
		p.order.MoveToFront(element)
	}
	return len(blocks)
}

// insert adds blocks and forgets the oldest beyond the capacity.
func (p *prefixCache) insert(blocks []uint64) {
	for _, hash := range blocks {
		if element, ok := p.blocks[hash]; ok {
			p.order.MoveToFront(element)
			continue
		}
		p.blocks[hash] = p.order.PushFront(hash)
	}
	for p.order.Len() > p.capacity {
		oldest := p.order.Back()
		if hash, ok := p.order.Remove(oldest).(uint64); ok {
			delete(p.blocks, hash)
		}
	}
}

// blockHashes chains the hashes of a prompt's full blocks.
func blockHashes(words []string) []uint64 {
	hash := fnv.New64a()
	blocks := make([]uint64, 0, len(words)/blockTokens)
	for i, word := range words {
		hash.Write([]byte(word)) // hash.Hash never returns an error
		hash.Write([]byte{0})
		if (i+1)%blockTokens == 0 {
			blocks = append(blocks, hash.Sum64())
		}
	}
	return blocks
}
