#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "server/doctor/result.hpp"

namespace server::doctor {

// What devices are expected to fetch: a product's release that they should have by now, and what the history
// has of devices that fetched images of the same product. Texts of the history are escaped.
struct Fetched {
  std::string client, release, image;  // "192.0.2.7", "/EWC/17_3_3", "ap1g5"
  std::int64_t last_at = 0;            // when anything was heard of the device; milliseconds since 1970
};
// One product, for which there is such a release.
struct ProductReading {
  std::string release;              // "/EWC/17_9_4a", raw: the promoted one, or the newest
  std::vector<std::string> images;  // of it, raw
  std::int64_t imported_at = 0;     // likewise; 0: it was put there by hand
  std::vector<Fetched> fetched;     // of any release of the product
};

// Image families that devices have fetched before, and that the release lacks. Pure.
Result judge_families(const std::vector<ProductReading>& products);
// Devices that fetched an older release, and have asked for nothing since this one was imported, an hour ago
// at least. `now` in milliseconds since 1970. Pure.
Result judge_never_seen(const std::vector<ProductReading>& products, std::int64_t now);

}  // namespace server::doctor
