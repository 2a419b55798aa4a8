#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "server/loop/net.hpp"

namespace server::probe {

// The addresses of a name, or why there are none.
struct Resolved {
  std::vector<net::ip::address> addresses;
  std::string error;  // the system's words
};

// Asks the name service, for at most `patience`; an address is taken as it is. Blocks: for a command. Where
// the name service does not answer, a thread that waits for it is left alone.
Resolved resolve(const std::string& host, std::chrono::seconds patience);

}  // namespace server::probe
