#include "server/probe/content.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "server/text/escape.hpp"
#include "storage/images/image_name.hpp"

namespace server::probe {
namespace {

bool is_html(std::string_view beginning) {
  std::string text(beginning.substr(0, 512));
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text.find("<html") != text.npos || text.find("<!doctype html") != text.npos;
}

}  // namespace

void Content::update(std::span<const std::byte> bytes) {
  image_.update(bytes);
  digest_.update(bytes);
}

std::optional<Fault> Content::finish(std::optional<std::uint64_t> announced,
                                     const std::optional<Recorded>& recorded, Report& report) {
  report.sha256 = digest_.hex();
  if (recorded && recorded->sha256 == report.sha256) report.recorded_as = recorded->path;
  auto found = fault(announced, recorded, report);
  const auto check = image_.check();
  for (const auto* sentences : {&check.doubts, &check.remarks})
    for (const auto& sentence : *sentences) report.notes.push_back(escaped(sentence, most_of_ours));
  report.content = escaped(image_.kind(), most_of_ours);
  if (!report.content.empty() && !found && check.doubts.empty()) report.content += ", complete";
  return found;
}

std::optional<Fault> Content::fault(std::optional<std::uint64_t> announced,
                                    const std::optional<Recorded>& recorded, const Report& report) const {
  if (announced && size() < *announced)
    return Fault{Cause::too_short,
                 fmt::format("{} bytes came, and the server had announced {}", size(), *announced)};
  if (size() == 0) return Fault{Cause::empty, "the file has 0 bytes"};
  if (recorded && recorded->sha256 != report.sha256)
    return Fault{Cause::different,
                 fmt::format("its SHA-256 is {}, and {} was imported here with {}", report.sha256,
                             escaped_path(recorded->path), recorded->sha256)};
  if (is_html(image_.beginning()) && storage::is_image_name(name_))
    return Fault{Cause::not_an_image, fmt::format("it is an HTML page of {} bytes", size())};
  const auto check = image_.check();
  if (check.damage.empty()) return {};
  const bool cut = check.damage.find(" is cut") != std::string::npos;
  return Fault{cut ? Cause::too_short : Cause::not_an_image, escaped(check.damage, most_of_ours)};
}

}  // namespace server::probe
