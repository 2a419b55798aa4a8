#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "conf/early_drop.hpp"
#include "conf/endpoint.hpp"
#include "conf/log.hpp"
#include "conf/network.hpp"
#include "conf/section.hpp"
#include "storage/files/path.hpp"
#include "storage/files/path_text.hpp"

namespace conf {

// What a value must be: the words for it in an error, how it is read, and how it is written.

extern const Kind<std::string> account_name;
extern const Kind<std::filesystem::path> file_path;
extern const Kind<Endpoint> endpoint;
extern const Kind<HttpEndpoint> http_endpoint;
extern const Kind<PortRange> port_range;
extern const Kind<std::uint64_t> size_bound;   // at least 1 byte
extern const Kind<std::uint64_t> rekey_bound;  // at least 1 MiB
extern const Kind<std::uint64_t> log_bound;    // at least 1 MiB
extern const Kind<Network> network;
extern const Kind<std::string> host_name;
extern const Kind<storage::Path> virtual_path;
extern const Kind<EarlyDrop> early_drop;
extern const Kind<std::string> layout;
extern const Kind<LogDestination> log_destination;

inline std::string text_of(const std::string& text) { return text; }
inline std::string text_of(const std::filesystem::path& path) { return storage::utf8_of(path); }
std::string text_of(const PortRange& range);
std::string text_of(const LogDestination& destination);
template <class T>
std::string text_of(const T& value) {
  return value.text();
}

}  // namespace conf
