#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/fleet.hpp"
#include "storage/releases/releases.hpp"

namespace server {

// How far a release has come: which devices have it, and what that rests on. What a device fetched here is
// one kind of evidence, and what its controller's tables say is another: a controller may fetch for its
// access points, and then nobody sees them here. All of this is pure; any thread.

// The first that fits. What needs a person comes first.
enum class RolloutStatus : std::uint8_t {
  asked_in_vain,         // its latest request since the import is a miss that belongs to the release
  broke_off,             // its latest transfer of the release is not whole
  stalled,               // it downloads, and has moved nothing for 10 seconds
  never_seen,            // expected, and no request since the import
  not_for_this_release,  // no image in the release fits its model
  downloading,
  not_asked_yet,   // it asked for other things since the import
  fetched,         // it read its image whole
  reported,        // its controller's table says that it has that version
  controller,      // it fetches for others; no access point
  shared_address,  // several devices behind one address; counted as none
};
constexpr std::size_t rollout_statuses = 11;
std::string_view word(RolloutStatus status);  // "asked_in_vain"

// A transfer that runs.
struct RunningRead {
  std::string client, file;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> size;
  bool stalled = false;
  std::string protocol;
};

// What a device did since the release was imported.
struct SinceImport {
  std::optional<std::int64_t> latest;                // its newest transfer, of whatever
  std::vector<storage::record::Transfer> transfers;  // of the release's files, the newest last
  std::optional<storage::record::Miss> miss;         // the newest
};

// How far one device is.
struct RolloutRow {
  std::string address, name, model, site;
  std::string image;  // the family that fits it; empty where nobody knows
  RolloutStatus status = RolloutStatus::not_asked_yet;
  std::optional<unsigned> percent;
  std::size_t tries = 0;                // its transfers of the release since the import
  std::optional<std::int64_t> last_at;  // milliseconds since 1970
  std::string evidence, method;         // a sentence; "tftp", or "controller"
};

// Whether a version that a controller's table has is that of the release: an access point counts in four
// fields, 17.9.4.27 for 17.9.4a. Where the release says which that is, it is that one and no other.
bool has_version(const storage::Release& release, const std::string& version);
bool has_image(const storage::Release& release, const std::string& name);
// The families of images that fit a device: what its table says, or its model; none where nobody knows.
std::vector<std::string> families_fitting(const std::optional<std::string>& image,
                                          const std::optional<std::string>& model);
// In milliseconds since 1970; 0 for a release that was put there by hand.
std::int64_t import_time(const storage::Release& release);

// Whether the device counts: a list has it, or it asked for an image of an access point.
bool counts(const Device& device, const SinceImport& since);
RolloutRow judge(const storage::Release& release, const Device& device, const SinceImport& since,
                 const std::vector<RunningRead>& running);

// What devices said in their own logs, by their address. Texts are escaped.
struct Heard {
  std::int64_t at = 0;  // milliseconds since 1970
  std::string text;
};
using HeardByDevice = std::map<std::string, Heard>;
// Adds to the evidence of each that lacks the release what it said since it was seen last.
void add_heard(std::vector<RolloutRow>& rows, const HeardByDevice& heard);

// How far all are.
struct Rollout {
  std::string release;
  std::vector<RolloutRow> rows;  // what needs a person first, then by address
  std::array<std::size_t, rollout_statuses> counts{};
  std::size_t have = 0;   // fetched or reported
  std::size_t total = 0;  // without controllers and shared addresses
};
// Of the rows of one site where `site` is not empty.
Rollout rollout_of(const storage::Release& release, std::vector<RolloutRow> rows, const std::string& site);

// Reads what the devices did, and judges each that counts. Waits for the disk.
std::vector<RolloutRow> read_rollout(storage::HistoryQueries& history, const storage::Release& release,
                                     const std::vector<Device>& fleet,
                                     const std::vector<RunningRead>& running);

}  // namespace server
