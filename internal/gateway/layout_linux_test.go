package gateway

import (
	"reflect"
	"testing"
)

// A silent device is one object, whose size is a class of Go's allocator: one
// byte more would take 32. Of its cache lines the collector looks at those that
// hold pointers.
func TestLayoutOfSocket(t *testing.T) {
	const mostBytes, mostLines = 384, 4
	s := reflect.TypeFor[socket]()
	if n := s.Size(); n > mostBytes {
		t.Errorf("a socket takes %d bytes; want %d at most", n, mostBytes)
	}
	lines := make(map[uintptr]bool)
	findPointers(s, 0, func(at uintptr) { lines[at/64] = true })
	if len(lines) > mostLines {
		t.Errorf("pointers are in %d cache lines of a socket; want them together, in %d at most", len(lines), mostLines)
	}
}

// findPointers finds the words of a type, which stands at an offset, that the
// collector looks at.
func findPointers(t reflect.Type, at uintptr, found func(at uintptr)) {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			findPointers(f.Type, at+f.Offset, found)
		}
	case reflect.Array:
		for i := range t.Len() {
			findPointers(t.Elem(), at+uintptr(i)*t.Elem().Size(), found)
		}
	case reflect.Interface:
		found(at)
		found(at + t.Size()/2)
	case reflect.Pointer, reflect.Slice, reflect.String, reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		found(at)
	}
}
