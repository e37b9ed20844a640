// Package cota is the vocabulary and the rules of remote configuration,
// "configuration over the air": an operator saves a JSON template for a
// product as a version, presses Batch Update, and every device of the product
// is offered it through a link of its own.
//
// The types are also the shapes of the management API. The rules are pure
// functions of values and the time; nothing here does I/O.
package cota
