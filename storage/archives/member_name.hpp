#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace storage {

// Names inside an archive come from a stranger. They are judged here as the bytes that stand in the archive,
// before any library had a chance to repair them, and never become part of a path otherwise.

// What is wrong with the name "FOLDER/ap1g8" as it stands in an archive: "it climbs out with \"..\"". Nothing
// when every component is a file name that is safe on any system. How many folders are fine is the caller's
// to say.
std::optional<std::string> name_fault(std::string_view raw);

// For a message: in quotes, escaped where it could forge a log line or steer a terminal, and cut.
std::string in_quotes(std::string_view untrusted);

// Names that are one file on Windows or over SMB have one folded form.
std::string folded(std::string_view name);

// The nearest name that is a safe component: "a:b." becomes "a_b".
std::string safe_component(std::string_view name);

}  // namespace storage
