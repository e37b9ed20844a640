package main

// What is measured, by name. Where a server has a goal, its line is below.
const (
	fanOut0CPU     = "fan-out QoS 0: CPU a message, from the order until the last is told"
	fanOut0Rest    = "fan-out QoS 0: the same, until nothing is left to do"
	fanOut0Rate    = "fan-out QoS 0: devices told"
	fanOut0Last    = "fan-out QoS 0: half of the devices are told after"
	fanOut0Latency = "fan-out QoS 0: 99 % of the devices are told after"
	fanOut1CPU     = "fan-out QoS 1: CPU a message, from the order until PUBACKs are taken and states committed"
	fanOut1Told    = "fan-out QoS 1: the same, until the last is told"
	fanOut1Rate    = "fan-out QoS 1: devices told"
	fanOut1Spread  = "fan-out QoS 1 to devices far apart: CPU a message, until states are committed"
	fanOut1Latency = "fan-out QoS 1: 99 % of the devices are told after"

	signInCPU     = "sign-in and SUBSCRIBE: CPU"
	signInLatency = "sign-in and SUBSCRIBE: 99 % take, 64 at a time"

	idlePlain  = "idle connection: resident"
	idleSpread = "idle connection of a device far from others: resident"
	idleTLS    = "idle connection by TLS: resident"
	signInTLS  = "sign-in and SUBSCRIBE by TLS: CPU"
	gcCPU      = "collection: CPU per million connections, each time"
	startRSS   = "server without connections: resident"
	peakRSS    = "peak memory, with all connections"
	loadCPU    = "the load itself: CPU a message"

	keptSmall = "download 4 KB, kept alive: CPU"
	keptLarge = "download 64 KB, kept alive: CPU"
	newSmall  = "download 4 KB, new connection each: CPU"
	newLarge  = "download 64 KB, new connection each: CPU"

	convergeCPU     = "whole convergence: server CPU a device"
	convergeInline  = "whole convergence, file in the push: server CPU a device"
	convergeRate    = "whole convergence: devices"
	convergeLatency = "whole convergence: 99 % have applied after"

	statesRate = "device states committed to SQLite"
	statesCPU  = "device states committed to SQLite: CPU each"

	linkTime   = "payload and link: CPU"
	linkAllocs = "payload and link: allocations"

	startCPU    = "start of the server: CPU"
	startWall   = "start of the server: until it is ready"
	startMem    = "start of the server: resident"
	onDisk      = "data on disk"
	pushStart   = "start of a push: CPU"
	pushWall    = "start of a push to connected devices: the request takes"
	pushQuery   = "progress of a push: CPU"
	devQuery    = "look-up of a device: CPU"
	listQuery   = "page of a hundred devices: CPU"
	grownSignIn = "sign-in and SUBSCRIBE, by registered devices: CPU"
	grownGet    = "get, by registered devices: CPU"
)

// goals are the targets of "Speed and scale".
var goals = []goal{
	{what: fanOut0CPU, To: "C", Least: 1.6, Aim: 1.15},
	{what: fanOut0CPU, To: "mosquitto", Least: 0.65, Aim: 0.5},
	{what: fanOut0Rate, To: "mosquitto", Least: 1.7, Aim: 2.3, More: true},
	{what: fanOut1CPU, To: "mosquitto", Least: 0.85, Aim: 0.6},
	{what: fanOut1Rate, To: "mosquitto", Least: 1.3, Aim: 1.8, More: true},
	{what: idlePlain, Least: 800, Aim: 500},
	{what: idleTLS, Least: 16_000, Aim: 10_000},
	{what: gcCPU, Least: 150, Aim: 80},
	{what: signInCPU, To: "mosquitto", Least: 1.4, Aim: 1},
	{what: statesRate, Least: 80_000, More: true},
	{what: statesCPU, Least: 10},
	{what: keptSmall, To: "nginx", Least: 1.2, Aim: 1},
	{what: keptLarge, To: "nginx", Least: 1.2, Aim: 1},
	{what: newSmall, To: "nginx", Least: 1.6, Aim: 1},
	{what: newLarge, To: "nginx", Least: 1.6, Aim: 1},
	{what: convergeCPU, Least: 150, Aim: 100},
	{what: convergeInline, Least: 100, Aim: 50},
	{what: startCPU, Of: "3,000,000", Least: 1_000},
	{what: startMem, Of: "3,000,000", To: "10,000", Least: 1.1},
	{what: pushStart, Of: "3,000,000", To: "10,000", Least: 1.5, Aim: 1.1},
	{what: pushQuery, Of: "3,000,000", To: "10,000", Least: 1.5, Aim: 1.1},
	{what: devQuery, Of: "3,000,000", To: "10,000", Least: 1.5, Aim: 1.1},
	{what: linkTime, Least: 500, Aim: 280},
	{what: linkAllocs, Least: 0},
}
