#pragma once
#include <filesystem>
#include <string_view>
#include <system_error>

#include "storage/files/path.hpp"
#include "storage/lookup/lookup.hpp"
#include "storage/lookup/miss.hpp"

namespace storage {

class Catalogue;
class Root;
class Depot;

// Explains a name that could not be opened or examined. Of `depot`, where one is given, the bundles
// are looked at that it will have soon; without one no import brings anything.
Miss explain_miss(const Root& root, const Catalogue& catalogue, std::string_view asked, const NotFound& miss,
                  const Depot* depot = nullptr);
Miss explain_miss(std::string_view asked, PathError error);
// What can be said at once when too many ask.
Miss plain_miss(std::string_view asked, std::error_code error);
Miss withheld_upload(const Path& path);
// The folder of all images itself cannot be opened.
Miss closed_images(const std::filesystem::path& images, std::error_code error);

}  // namespace storage
