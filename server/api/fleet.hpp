#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conf/network.hpp"
#include "storage/history/history_queries.hpp"

namespace server {

// What is known of a device from all sources: what it asked for, what people and a controller's tables say.
// Texts are escaped. A plain value.
struct Device {
  std::string address;  // empty: a table has it without one
  std::optional<storage::record::Described> said;
  std::optional<std::int64_t> first_at, last_at;   // of its requests and logins, in milliseconds since 1970
  std::vector<storage::record::Holding> holdings;  // files that it read whole
  bool in_settings = false;                        // `expected` has it

  bool is_listed() const { return said && said->listed_at; }  // a table or a list has it
  bool is_expected() const { return is_listed() || in_settings; }
  std::string name() const { return said ? said->name : ""; }
  std::string model() const { return said ? said->model : ""; }
  std::string site() const { return said ? said->site : ""; }
};

// What it is: a person's word first, else what it fetched. An address that fetches several families is a
// controller that relays where it took the controller's own image or a table has it, and else an address that
// several devices share.
enum class DeviceKind : std::uint8_t { unknown, access_point, controller, shared_address };
DeviceKind kind_of(const Device& device);
std::string_view word(DeviceKind kind);  // "access point"
std::optional<DeviceKind> device_kind(std::string_view word);

// Joined by address, and sorted by it. Addresses that `expected` names, alone or as a network, are expected;
// one that it names alone is among them though nobody has seen it. Pure.
std::vector<Device> fleet_of(const std::vector<storage::record::Seen>& seen,
                             const std::vector<storage::record::Described>& said,
                             const std::vector<storage::record::Holding>& holdings,
                             const std::vector<conf::Network>& expected);

// The most of each that are looked at: those that were seen last.
constexpr std::size_t most_devices_read = 20'000, most_holdings_read = 200'000;
// The same, read. `fresh` is what was said and is not in the history yet. Waits for the disk.
std::vector<Device> read_fleet(storage::HistoryQueries& history,
                               const std::vector<storage::record::Described>& fresh,
                               const std::vector<conf::Network>& expected);

// The rows of `said` with those of `fresh` in place of older ones of the same key. Pure.
std::vector<storage::record::Described> with_fresh(std::vector<storage::record::Described> said,
                                                   const std::vector<storage::record::Described>& fresh);

// "/EWC/17_9_4a" of "/EWC/17_9_4a/ap1g8", and "ap1g8". A name without a slash has no folder.
std::string folder_of(const std::string& file);
std::string name_of(const std::string& file);

}  // namespace server
