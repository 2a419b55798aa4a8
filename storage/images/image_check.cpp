#include "storage/images/image_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <system_error>

#include "storage/archives/member_name.hpp"
#include "storage/archives/tar_header.hpp"
#include "storage/files/file.hpp"
#include "storage/images/image_name.hpp"
#include "storage/images/version.hpp"

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

void check_tar(const ImageFacts& facts, ImageCheck& check) {
  const auto name = facts.name;
  const auto walk = facts.walk();
  switch (walk.end) {
    case TarWalk::End::cut:
      check.damage = fmt::format("{} is cut: it ends inside its part {}; download or copy the bundle again",
                                 in_quotes(name), in_quotes(walk.at));
      return;
    case TarWalk::End::no_tar:
      check.doubts.push_back(
          fmt::format("{} is not a tar, as an access point's image should be", in_quotes(name)));
      return;
    case TarWalk::End::bad_sum:
      check.damage = fmt::format(
          "{} is damaged: the tar header at offset {} has a wrong checksum; download or copy "
          "it again",
          in_quotes(name), walk.offset);
      return;
    case TarWalk::End::broken:
      check.doubts.push_back(fmt::format("{} has no tar header at offset {}, behind its part {}",
                                         in_quotes(name), walk.offset, in_quotes(walk.at)));
      return;
    case TarWalk::End::no_end:
      if (walk.info_begins && !walk.info_ends) {
        check.damage = fmt::format(
            "{} is cut: it ends behind its part {}, without the \"info.ver\" that ends such "
            "an image; download or copy it again",
            in_quotes(name), in_quotes(walk.at));
        return;
      }
      check.doubts.push_back(fmt::format("{} lacks the two blocks of zeros that end a tar", in_quotes(name)));
      break;
    case TarWalk::End::whole:
      break;
  }
  check_info(walk, name, check);
  if (is_image_family(name) && facts.size % tar_record != 0)
    check.remarks.push_back(fmt::format("{} has {} bytes, which is not a multiple of {}", in_quotes(name),
                                        facts.size, tar_record));
}

std::string read_beginning(const File& file) {
  std::string text(image_beginning, '\0');
  const std::span<std::byte> whole = std::as_writable_bytes(std::span(text));
  const auto got = file.read({&whole, 1}, 0);
  if (!got) throw std::system_error(got.error(), "cannot read the image");
  text.resize(*got);
  return text;
}

bool is_text(std::string_view bytes) {
  return std::ranges::all_of(bytes, [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : c == '\n' || c == '\r' || c == '\t';
  });
}

// What no device takes for an image, whoever made it.
std::string obvious_damage(std::string_view beginning, std::string_view name) {
  const auto says = [name](std::string_view what) {
    return fmt::format("{} {}; download or copy it again", in_quotes(name), what);
  };
  if (beginning.empty()) return says("is empty");
  if (beginning.find_first_not_of('\0') == std::string_view::npos)
    return says("holds nothing but zeros where an image begins");
  if (is_text(beginning)) return says("is a text, such as a web page, and not an image");
  return {};
}

}  // namespace

bool begins_as_tar(std::string_view beginning) {
  if (beginning.size() < tar_block) return false;
  const auto block = std::as_bytes(std::span(beginning)).first<tar_block>();
  return parse_tar_header(block) || has_tar_magic(block);
}

ImageCheck check_image(const File& file, std::string_view name) {
  const auto beginning = read_beginning(file);
  return check_image({name, beginning, file.at_open().size, [&] { return walk_tar(file); }, &file});
}

ImageCheck check_image(const ImageFacts& facts) {
  const auto name = facts.name, beginning = facts.beginning;
  ImageCheck check;
  if (is_image_name(name)) check.damage = obvious_damage(beginning, name);
  if (!check.damage.empty()) return check;
  if (beginning.empty()) check.doubts.push_back(fmt::format("{} is empty", in_quotes(name)));
  const auto judges = [&](const Vendor* vendor) { return vendor->check(facts, check); };
  if (std::ranges::any_of(vendors(), judges)) return check;
  const auto* product = product_of(name);
  const bool should_be_tar = is_image_family(name) || (product && product->structure == Structure::tar);
  if (should_be_tar || begins_as_tar(beginning)) check_tar(facts, check);
  return check;
}

}  // namespace storage
