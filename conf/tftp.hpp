#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "conf/endpoint.hpp"
#include "conf/network.hpp"

namespace conf {

// The key `tftp`.
struct Tftp {
  std::vector<Endpoint> listen;
  bool uploads = false;
  bool read_uploads = false;     // whether devices may read what clients sent
  std::uint64_t max_upload = 0;  // bytes
  std::uint16_t max_block_size = 0;
  std::uint16_t max_window = 0;
  std::optional<PortRange> port_range;
  bool single_port = false;
  std::uint32_t max_transfers = 0;
  std::uint32_t max_transfers_per_address = 0;
  std::uint32_t max_requests_per_second = 0;  // from one address
  std::vector<Network> allow;                 // empty: everybody
  std::vector<Network> deny;                  // wins over allow
};

}  // namespace conf
