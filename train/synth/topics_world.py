"""Topics of what people ask about: nature, history, technology, animals, health, life together."""

from __future__ import annotations

SCIENCE = """
photosynthesis = leaves, sunlight, oxygen; gravity = mass, orbit, planets; the water cycle = clouds, rain, rivers
electricity = current, battery, wires; magnetism = poles, iron, compass; the human heart = blood, valves, pulse
sound = waves, vibration, echo; the speed of light = vacuum, seconds, distance; evolution = species, fossils, genes
the periodic table = elements, atoms, chemist; the immune system = cells, germs, vaccine
friction = surface, heat, brakes; the scientific method = hypothesis, experiment, data
the structure of the atom = nucleus, electrons, charge; plate tectonics = crust, earthquakes, mantle
digestion = stomach, enzymes, nutrients; the pressure of air = barometer, altitude, weather
the memory of the brain = neurons, sleep, habits; the boiling of water = steam, bubbles, kettle
the phases of the moon = shadow, orbit, calendar; the color of the sky = sunlight, molecules, sunset
the freezing of water = ice, crystals, frost; genetics = traits, parents, genes
a chemical reaction = energy, molecules, catalyst; static electricity = charge, balloon, spark
the human eye = lens, retina, pupil
"""

NATURE = """
the tropical rainforest = canopy, insects, vines; the Arctic = ice, seals, darkness
a rainbow = raindrops, colors, angle; the coral reef = fish, algae, polyps
a thunderstorm = lightning, clouds, thunder; the desert = dunes, cactus, oasis
the ocean tide = moon, shore, sailors; a volcano = lava, ash, crater; the change of seasons = daylight, tilt, leaves
a mountain stream = trout, stones, rapids; soil erosion = wind, slopes, roots
the aurora in the north = particles, poles, night; the wetland = reeds, herons, mud; a hurricane = wind, coast, warnings
the oak forest = acorns, squirrels, shade; the river delta = silt, channels, fishermen
morning fog = droplets, valley, sunrise; the food chain = plants, predators, energy
a glacier = ice, valley, boulders; wind power = turbines, blades, grid
the loss of insects = pesticides, flowers, farmland; the cave = stalactites, bats, darkness
clean drinking water = filter, wells, pipes; the prairie = grasses, bison, fire
a snowflake = crystals, branches, cold; the night sky = stars, planets, telescope
"""

ANIMALS = """
the honeybee = hive, pollen, queen; the octopus = arms, ink, suckers; the emperor penguin = egg, ice, colony
the gray wolf = pack, howl, territory; the barn owl = feathers, mice, night; the blue whale = krill, song, ocean
the domestic cat = whiskers, claws, naps; the elephant = trunk, herd, tusks
the monarch butterfly = wings, milkweed, migration; the giraffe = neck, leaves, spots
the sea turtle = shell, beach, eggs; the ant colony = tunnels, workers, queen
the hummingbird = nectar, wings, flowers; the brown bear = salmon, den, winter
the kangaroo = pouch, tail, grassland; the dolphin = fins, clicks, pod; the chameleon = skin, tongue, branches
the sheepdog = flock, whistle, shepherd; the salmon = river, eggs, current; the bat = wings, echoes, cave
the beaver = dam, teeth, pond; the spider = silk, web, prey; the horse = saddle, hooves, stable
the parrot = beak, feathers, words; the hedgehog = spines, garden, hibernation; the frog = tadpoles, pond, croaking
"""

HISTORY = """
the invention of printing = press, books, letters; the Roman road network = stones, legions, bridges
the Silk Road = merchants, camels, silk; the first flight = wings, engine, brothers
the building of the pyramids = blocks, workers, pharaoh; the space race = rocket, moon, astronauts
the history of the bicycle = pedals, wheels, chain; the age of the Vikings = ships, oars, coasts
the fall of the Berlin Wall = border, crowd, hammers; the history of writing = clay, symbols, scribes
the first railway = steam, tracks, stations; the history of money = coins, paper, banks
the age of sail = ships, maps, spices; the Olympic contest of antiquity = athletes, wreath, stadium
the history of chess = kings, pawns, courts; the discovery of penicillin = mold, doctors, infection
the medieval town = walls, market, guilds; the history of the clock = gears, pendulum, towers
the invention of the telephone = wire, voice, patent; the Great Wall = towers, bricks, soldiers
the history of tea = leaves, trade, porcelain; the first computer = cables, tubes, programs
the Renaissance = painters, patrons, statues; the history of maps = compass, coasts, explorers
the old postal service = riders, letters, stamps; the history of the theater = stage, masks, plays
"""

TECHNOLOGY = """
the electric car = battery, charger, motor; the smartphone = screen, apps, camera
the internet = servers, cables, pages; the solar panel = cells, roof, sunlight
the refrigerator = coolant, compressor, food; the printer = paper, toner, cable
the search engine = links, keywords, pages; the microwave oven = waves, plate, heat
the wind turbine = blades, tower, wind; the satellite = orbit, antenna, signals
the robot vacuum = sensors, dust, map; the password manager = vault, logins, security
the bicycle lock = steel, key, thieves; the digital camera = sensor, lens, memory
the video call = microphone, screen, connection; the heat pump = coils, outdoor air, warmth
the electronic book = pages, screen, library; the elevator = cables, doors, floors
artificial intelligence = data, models, patterns; the barcode = lines, scanner, prices
the weather forecast = sensors, models, maps; the subway train = tunnel, tracks, doors
the hearing aid = sound, microphone, battery; the washing machine = drum, water, spin
the navigation app = route, traffic, satellites; the electric bicycle = motor, pedals, battery
"""

HEALTH = """
sleeping well = bedtime, darkness, mattress; walking every day = shoes, steps, park
eating breakfast = oats, fruit, energy; drinking enough water = bottle, thirst, glasses
stretching in the morning = muscles, floor, breath; cutting down on sugar = soda, labels, fruit
dealing with stress = breathing, walks, friends; sitting less at work = chair, breaks, stairs
caring for your teeth = brush, floss, dentist; protecting your skin in summer = hat, shade, lotion
eating more vegetables = soup, salad, carrots; resting your eyes = screen, blinking, distance
a healthy lunch = beans, salad, bread; keeping a calm mind = silence, breath, thoughts
preventing a cold = hands, sleep, soap; a short nap = couch, alarm, afternoon
keeping your bones strong = calcium, sunlight, exercise; good posture = back, shoulders, chair
spending less time online = phone, timer, hobbies; recovering after sport = stretching, water, rest
laughing more often = jokes, friends, mood; a healthy snack = nuts, fruit, yogurt
visiting the doctor = questions, symptoms, checkup; helping a friend in need = listening, kindness, time
learning first aid = bandage, course, emergency; balancing work and rest = weekend, hobbies, limits
"""

COMMUNITY = """
a neighborhood party = tables, music, neighbors; a public library = shelves, readers, cards
volunteering at a shelter = meals, blankets, smiles; a street market = stalls, vendors, fruit
a school garden = pupils, beds, seeds; a town festival = parade, music, lanterns
a community choir = songs, rehearsal, voices; a book club = chapters, opinions, coffee
a farmers market = vegetables, honey, stalls; a repair cafe = tools, volunteers, toasters
a park cleanup = gloves, litter, bags; a charity run = runners, donations, medals
a local newspaper = reporters, headlines, readers; a playground for everyone = swings, ramps, parents
a language exchange = partners, phrases, mistakes; a public swimming pool = lanes, lifeguard, towels
a bus line to the village = timetable, driver, stops; a flea market = bargains, tables, antiques
a neighborhood watch = streets, phone, trust; a clothing swap = jackets, racks, mirrors
an open day at the fire station = ladder, hose, helmets; a shared garden = plots, tools, harvest
a street musician = guitar, crowd, coins; a family reunion = cousins, photos, stories
a day without cars = bicycles, quiet, streets; an evening class = teacher, chairs, homework
"""
