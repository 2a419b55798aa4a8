#include "storage/archives/reader_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace storage {
namespace {

constexpr std::string_view find_format = "format";
constexpr std::array<std::pair<BundleFormat, std::string_view>, 4> formats{
    {{BundleFormat::zip, "zip"},
     {BundleFormat::tar, "tar"},
     {BundleFormat::tar_gz, "tar.gz"},
     {BundleFormat::tar_xz, "tar.xz"}}};

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::vector<std::string> words_of(const ReaderJob& job) {
  std::string_view what = find_format;
  for (const auto& [format, name] : formats)
    if (job.unpack == format) what = name;
  return {std::string(what), std::to_string(job.limits.max_members), std::to_string(job.limits.max_total),
          std::to_string(job.limits.max_ratio)};
}

std::optional<ReaderJob> parse_reader_job(std::span<char* const> words) {
  if (words.size() != 4) return std::nullopt;
  const auto members = number_in(words[1]), total = number_in(words[2]), ratio = number_in(words[3]);
  if (!members || !total || !ratio || *ratio == 0) return std::nullopt;
  ReaderJob job{.limits = {*members, *total, *ratio}};
  if (words[0] == find_format) return job;
  const auto found =
      std::ranges::find(formats, std::string_view(words[0]), [](const auto& f) { return f.second; });
  if (found == formats.end()) return std::nullopt;
  job.unpack = found->first;
  return job;
}

}  // namespace storage
