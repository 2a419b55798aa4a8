#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocols/tftp/get.hpp"
#include "server/loop/net.hpp"

namespace server::probe {

// One download over TFTP, as a device does it.
struct TftpQuestion {
  udp::endpoint server;
  std::string file;
  std::vector<tftp::Option> options;
  std::chrono::milliseconds patience{};                                   // how long nothing may come
  std::uint64_t most_blocks = std::numeric_limits<std::uint64_t>::max();  // then it stops
};

// What came of it.
struct TftpAnswer {
  tftp::GetEnding ending;
  error_code unsendable;                           // why this host could not send a packet
  std::optional<udp::endpoint> peer;               // the first that answered from the server's address
  std::optional<net::ip::address> stranger;        // another address that answered
  std::optional<std::vector<tftp::Option>> given;  // the OACK's
  std::optional<std::uint64_t> announced;
  std::optional<std::uint16_t> early_number;  // as Get::early_number()
  std::uint16_t block_size = 512;
  std::uint64_t blocks = 0, bytes = 0, resent = 0;
  std::optional<double> answered_after;  // seconds
  double seconds = 0;
};

// Hears the file's bytes, and how large the server says that it is.
using Received = std::function<void(std::span<const std::byte>, std::optional<std::uint64_t> announced)>;

// Blocks until it ends: for a command, which has no loop of the server. Throws boost's system_error where
// this host has no socket.
TftpAnswer fetch_tftp(const TftpQuestion& question, const Received& received);

}  // namespace server::probe
