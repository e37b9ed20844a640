// Package epoll moves the bytes of many connections with few goroutines, on
// Linux.
//
// A connection that is silent costs its Conn and what the kernel keeps, but no
// goroutine and no buffer. A loop (loop.go) waits for all of its connections at
// once and hands what comes to each one's Handler; what is written goes to the
// socket at once, by whoever writes, and waits in memory only while the socket
// is full. A wheel (wheel.go) ends connections whose time is over.
package epoll
