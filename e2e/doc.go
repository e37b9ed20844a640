// Package e2e holds tests that run the built command as a process of its own,
// with devices and clients that nobody here wrote.
package e2e
