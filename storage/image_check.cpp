#include "storage/image_check.hpp"

#include <fmt/format.h>

#include "storage/aruba_header.hpp"
#include "storage/image_name.hpp"
#include "storage/member_name.hpp"
#include "storage/release.hpp"
#include "storage/tar_walk.hpp"

namespace storage {
namespace {

constexpr std::uint64_t tar_record =
    10240;  // GNU tar's; all AP images that were ever seen are multiples of it

// The value of a line "KEY: VALUE".
std::string_view info_value(std::string_view info, std::string_view key) {
  while (!info.empty()) {
    auto line = info.substr(0, info.find('\n'));
    info.remove_prefix(std::min(line.size() + 1, info.size()));
    if (!line.starts_with(key) || !line.substr(key.size()).starts_with(':')) continue;
    line.remove_prefix(key.size() + 1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return line.substr(0, line.find_last_not_of(" \t\r") + 1);
  }
  return {};
}

// A classic image begins with "info" and ends with "info.ver", which says that all of it is there.
void check_info(const TarWalk& walk, std::string_view name, ImageCheck& check) {
  if (!walk.info_begins) return;
  if (!walk.info_ends)
    check.doubts.push_back(fmt::format(
        "{} begins with an \"info\" and lacks the \"info.ver\" that ends such an image", in_quotes(name)));
  if (walk.info.find("info_end:") == std::string::npos)
    check.doubts.push_back(fmt::format("{}: its \"info\" is not whole", in_quotes(name)));
  const auto family = info_value(walk.info, "image_family");
  if (is_image_family(name) && is_image_family(family) && family != name)
    check.doubts.push_back(fmt::format("{} says that it is an image for {}", in_quotes(name), family));
}

void check_tar(const File& file, std::string_view name, ImageCheck& check) {
  const auto walk = walk_tar(file);
  switch (walk.end) {
    case TarWalk::End::cut:
      check.damage = fmt::format("{} is cut: it ends inside its part {}; download or copy the bundle again",
                                 in_quotes(name), in_quotes(walk.at));
      return;
    case TarWalk::End::no_tar:
      check.doubts.push_back(
          fmt::format("{} is no tar, as an access point's image should be", in_quotes(name)));
      return;
    case TarWalk::End::broken:
      check.doubts.push_back(fmt::format("{} has no tar header at offset {}, behind its part {}",
                                         in_quotes(name), walk.offset, in_quotes(walk.at)));
      return;
    case TarWalk::End::no_end:
      check.doubts.push_back(fmt::format("{} lacks the two blocks of zeros that end a tar", in_quotes(name)));
      break;
    case TarWalk::End::whole:
      break;
  }
  check_info(walk, name, check);
  if (file.at_open().size % tar_record != 0)
    check.remarks.push_back(fmt::format("{} has {} bytes, which is no multiple of {}", in_quotes(name),
                                        file.at_open().size, tar_record));
}

void check_aruba(const File& file, const ArubaHeader& header, std::string_view name, ImageCheck& check) {
  constexpr std::uint32_t known_format = 2;
  if (const auto damage = aruba_damage(file, header); !damage.empty())
    check.damage = fmt::format("{} ({}) is damaged: {}; download or copy it again", in_quotes(name),
                               in_quotes(describe(header)), damage);
  else if (header.format != known_format)
    check.doubts.push_back(fmt::format("{} has a header of format {}; apdepot knows format {}",
                                       in_quotes(name), header.format, known_format));
}

}  // namespace

ImageCheck check_image(const File& file, std::string_view name) {
  ImageCheck check;
  if (const auto header = read_aruba_header(file)) {
    check_aruba(file, *header, name, check);
  } else if (is_aruba_name(name)) {
    check.doubts.push_back(
        fmt::format("{}: header not recognised; nothing of it could be checked", in_quotes(name)));
  } else if (is_image_family(name) || is_conversion_image_name(name)) {
    check_tar(file, name, check);
  }
  return check;
}

}  // namespace storage
