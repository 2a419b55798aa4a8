#include <fmt/format.h>

#include <algorithm>

#include "storage/asked_name.hpp"
#include "storage/explanation.hpp"
#include "storage/forgiving.hpp"
#include "storage/lookup.hpp"
#include "storage/uploads_folder.hpp"

namespace storage {
namespace {

const auto not_there = std::make_error_code(std::errc::no_such_file_or_directory);

bool is_file(const Root& root, const Path& path) {
  const auto attributes = root.attributes(path);
  return attributes && attributes->kind == Kind::file;
}

// Without the blanks and quotes around each name, which came along from a form or a command line.
std::optional<Path> stripped(const Path& asked) {
  constexpr std::string_view wrapping = " \t\"'";
  std::string text;
  for (const std::string_view name : asked.components()) {
    const auto first = std::min(name.find_first_not_of(wrapping), name.size());
    text.append("/").append(name.substr(first, name.find_last_not_of(wrapping) + 1 - first));
  }
  const auto path = Path::parse(text);
  return path && *path != asked ? std::optional(*path) : std::nullopt;
}

// A blank at the end of a name is not to be seen in the log: it is put into words.
std::optional<Miss> wrapped(const Root& root, const Catalogue& catalogue, const Path& asked) {
  auto file = stripped(asked);
  if (!file || is_in_uploads(*file)) return {};
  if (!is_file(root, *file)) {
    auto meant = plainly_meant(catalogue, {*file});
    if (!meant) return {};
    file = std::move(meant->path);
  }
  return Miss{file->name() == asked.name() ? Cause::wrong_directory : Cause::not_found,
              fmt::format("there are blanks or quotes around a name in \"{}\"", asked.text()),
              fmt::format("{} is in {}", file->name(), file->parent().text()), file, not_there};
}

Miss unreadable(const std::string& name, std::error_code error) {
  const auto what = fmt::format("{} cannot be read: {}", name, error.message());
  if (error != std::errc::permission_denied) return {Cause::not_found, what, "", {}, error};
  return {Cause::unreadable, what, "make it readable for the user that apdepot runs as", {}, error};
}

Miss explain(const Root& root, const Catalogue& catalogue, const Path& asked, std::error_code error,
             bool forgiving) {
  const auto name = asked.text();
  if (error == std::errc::is_a_directory)
    return {Cause::is_directory, name + " is a directory", "ask for a file in it", {}, error};
  if (error == std::errc::operation_not_permitted)
    return {Cause::unreadable, name + " is no regular file", "put a plain file in its place", {}, error};
  if (error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory)
    return unreadable(name, error);
  auto miss = wrapped(root, catalogue, asked);
  if (!miss) miss = Explanation(root, catalogue, asked, forgiving).miss();
  miss->error = error;
  return std::move(*miss);
}

// The file is there, but only its exact name is served.
Miss withheld(std::string_view asked, const Path& file, bool forgiving) {
  const auto hint = forgiving ? fmt::format("ask for {}", file.text())
                              : fmt::format("lookup.forgiving would serve {}, but it is off", file.text());
  return {Cause::not_found, fmt::format("{} is no exact name", asked), hint, file, not_there};
}

}  // namespace

Miss explain_miss(std::string_view asked, PathError error) {
  switch (error) {
    case PathError::empty:
      return {Cause::empty_name, "the request names no file", "ask for a file's whole path", {}, not_there};
    case PathError::climbs:
      return {Cause::escapes_root,
              fmt::format("{} leads above /", asked),
              "/ is the folder of the images, and nothing above it is served",
              {},
              std::make_error_code(std::errc::permission_denied)};
    case PathError::too_long:
      return {Cause::not_found,
              "the name is too long",
              "ask for a file's own path",
              {},
              std::make_error_code(std::errc::filename_too_long)};
    case PathError::invalid:
      break;
  }
  return {Cause::not_found,
          fmt::format("{} holds a colon or a NUL", asked),
          "ask for the path alone, without a server's name",
          {},
          not_there};
}

Miss explain_miss(const Root& root, const Catalogue& catalogue, std::string_view asked,
                  const NotFound& missing) {
  if (!missing.asked) return explain_miss(asked, missing.asked.error());
  if (missing.withheld) return withheld_upload(*missing.asked);
  auto miss =
      missing.error == not_there && !is_exact_name(asked, *missing.asked) && is_file(root, *missing.asked)
          ? withheld(asked, *missing.asked, missing.forgiving)
          : explain(root, catalogue, *missing.asked, missing.error, missing.forgiving);
  if (miss.nearest && is_in_uploads(*miss.nearest)) miss.nearest.reset();  // it is no image to be pointed at
  return miss;
}

Miss withheld_upload(const Path& path) {
  return {Cause::read_refused,
          path.text() + " is an upload, and those are not served over TFTP",
          "fetch it over SFTP, or set tftp.read_uploads: true",
          {},
          std::make_error_code(std::errc::permission_denied)};
}

Miss plain_miss(std::string_view asked, std::error_code error) {
  return {Cause::not_found, fmt::format("{}: {}", asked, error.message()), "", {}, error};
}

}  // namespace storage
