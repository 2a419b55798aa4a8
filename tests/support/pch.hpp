// Precompiled for the unit tests of all rooms but server/.
#include <doctest/doctest.h>

#include "storage/files/pch.hpp"
