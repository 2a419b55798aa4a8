#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/archives/bundle_format.hpp"
#include "storage/archives/unpack_limits.hpp"

namespace storage {

// What a process that reads an archive is to do, as words of a command line. Pure.
struct ReaderJob {
  std::optional<BundleFormat> unpack = {};  // as what; nothing: find out the format
  UnpackLimits limits = {};
};

std::vector<std::string> words_of(const ReaderJob& job);
std::optional<ReaderJob> parse_reader_job(std::span<char* const> words);

}  // namespace storage
