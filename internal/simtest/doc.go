// Package simtest holds a deterministic simulation of a whole cota server with
// its devices and operators. It holds tests only.
//
// One run is a server (gateway, control, store, download, API), a simulated
// network and a few dozen to a few hundred actors in one synctest bubble, for
// a week of virtual time. Everything that happens follows from one seed.
//
// A run is a sequence of instants. Whatever reaches the server (bytes, the end
// of a connection, a timer) reaches it at an instant of its own, to the
// nanosecond, and time moves on only when all that follows from it has been
// done. So goroutines race within an instant but not across instants, and what
// an instant does to the world does not depend on who wins: the network's
// delays are hashes of the seed, the connection and the instant, not draws
// that the first to come would take. That is what makes a seed replay exactly.
//
// The model (model_test.go) keeps simple books of what operators were answered
// and what devices saw, and says when the server broke a promise. It knows the
// server by its outside only: the HTTP API, MQTT and the file door.
package simtest
