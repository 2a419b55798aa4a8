#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/probe/report.hpp"
#include "storage/files/digest.hpp"
#include "storage/images/image_stream.hpp"

namespace server::probe {

// What an import wrote down about the file that a path names in this host's depot.
struct Recorded {
  std::string path;    // "/EWC/17_9_4a/ap1g8"
  std::string sha256;  // hex
};

// What is wrong with a file that came to its end.
struct Fault {
  Cause cause;
  std::string what;  // escaped
};

// The file as it arrives: counted, digested, checked as an image, and not kept. One thread.
class Content {
 public:
  explicit Content(std::string_view name) : name_(name), image_(name), digest_(storage::DigestKind::sha256) {}

  void update(std::span<const std::byte> bytes);
  std::uint64_t size() const { return image_.size(); }

  // Once the server says that this is all: fills the report's digest and content. `announced` is the size
  // that the server told before.
  std::optional<Fault> finish(std::optional<std::uint64_t> announced, const std::optional<Recorded>& recorded,
                              Report& report);

 private:
  std::optional<Fault> fault(std::optional<std::uint64_t> announced, const std::optional<Recorded>& recorded,
                             const Report& report) const;

  const std::string name_;
  storage::ImageStream image_;
  storage::Digest digest_;
};

}  // namespace server::probe
