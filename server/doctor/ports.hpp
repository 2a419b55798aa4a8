#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conf/endpoint.hpp"
#include "server/doctor/result.hpp"
#include "server/os/port_holder.hpp"

namespace conf {
struct Settings;
}  // namespace conf

namespace server::doctor {

// An address of the configuration, and what came of binding it, for an instant. A server that runs has it
// already: then it is taken.
struct Port {
  enum class Bound : std::uint8_t { free, taken, denied, no_address, other };
  conf::Endpoint endpoint;
  Bound bound = Bound::free;
  std::string error;                 // for `other`
  std::optional<PortHolder> holder;  // of one that is taken, where it can be found out
};

// All that the configuration names, but those with port 0, which is any free one.
struct Ports {
  std::vector<Port> tftp, ssh, http;        // of images, with TLS and without
  std::uint64_t first_unprivileged = 1024;  // from here on everybody may bind
};
// Blocks; holders are found by reading files of every process.
Ports read_ports(const conf::Settings& settings);

// One protocol, as its port is judged.
struct Door {
  std::string service, transport, key;  // "TFTP", "UDP", "tftp.listen"
  std::uint16_t usual = 0;              // the only one that controllers ask; 0: a URL names any
  std::vector<conf::Endpoint> wanted;   // by the configuration
  std::vector<Port> ports;              // likewise, without port 0
  bool running = false;                 // a server answers,
  std::vector<conf::Endpoint> served;   // which serves these,
  std::optional<std::uint32_t> pid;     // and is this process
  std::string unit = {};                // systemd's socket unit for it; empty where none is in use
};
// All of the following are pure.
Result judge_port(const Door& door);
// `root`: root asks.
Result judge_port_rights(const std::vector<Door>& doors, std::uint64_t first_unprivileged, bool root);
// Addresses of the configuration that no interface of this host has.
std::vector<conf::Endpoint> addresses_gone(const Ports& ports);

}  // namespace server::doctor
