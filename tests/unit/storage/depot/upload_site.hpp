#pragma once
#include <chrono>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "storage/depot/depot.hpp"
#include "storage/depot/upload.hpp"
#include "storage/depot/upload_account.hpp"
#include "storage/files/root.hpp"
#include "tests/support/temp_dir.hpp"

namespace test {

inline storage::Path path(std::string_view text) { return storage::Path::parse(text).value(); }

inline std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// A depot, and the folder that devices may write to.
struct UploadSite {
  test::TempDir dir;
  storage::Depot depot{dir / "depot"};
  std::filesystem::path uploads = depot.images() / "uploads";
  storage::Root writable = storage::uploads_root(depot).value();
  mutable storage::UploadAccount account{
      depot, {1ULL << 40, 1000, 100, 1 << 20}, std::chrono::steady_clock::now};
  storage::Sender sender{account, "tftp:192.0.2.7"};

  storage::Result<storage::Upload> begin(std::string_view name,
                                         std::optional<std::uint64_t> size = {}) const {
    return storage::Upload::begin(sender, writable, path(name), size);
  }
  bool nothing_is_left() const {
    return std::filesystem::is_empty(uploads) && std::filesystem::is_empty(depot.staging());
  }
};

}  // namespace test
