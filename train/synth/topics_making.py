"""Topics of what people do: cook, grow, make, play, learn, travel."""

from __future__ import annotations

COOKING = """
sourdough bread = flour, starter, crust; tomato soup = tomatoes, basil, stock; apple pie = apples, cinnamon, pastry
vegetable curry = spices, coconut milk, rice; homemade pasta = dough, eggs, sauce; fried rice = garlic, wok, peas
lentil stew = lentils, carrots, cumin; a green salad = lettuce, dressing, radishes
a pancake breakfast = batter, syrup, skillet; roast chicken = oven, thyme, gravy
potato salad = potatoes, mustard, herbs; chocolate cake = cocoa, sugar, frosting
strawberry jam = berries, pectin, jars; homemade pizza = cheese, yeast, toppings
mushroom risotto = broth, mushrooms, wine; onion soup = onions, broth, toast; banana bread = bananas, walnuts, loaf
grilled fish = lemon, charcoal, fillet; a bean burrito = beans, tortilla, salsa
pumpkin soup = pumpkin, ginger, cream; oatmeal with fruit = oats, raisins, honey
vegetable lasagna = spinach, layers, noodles; homemade yogurt = milk, culture, thermometer
corn bread = cornmeal, buttermilk, pan; baking peanut cookies = peanuts, butter, tray
a picnic lunch = sandwiches, basket, blanket; miso soup = seaweed, tofu, bowl
"""

GARDENING = """
growing tomatoes = seedlings, stakes, compost; composting at home = leaves, worms, bin
pruning roses = shears, thorns, buds; growing herbs on a balcony = pots, basil, sunlight
planting a hedge = shrubs, spacing, roots; keeping a small lawn = mower, clover, grass
growing strawberries = runners, straw, birds; building a raised bed = boards, soil, gravel
saving seeds = envelopes, pods, labels; planting spring bulbs = tulips, trowel, frost
watering in summer = hose, mulch, evening; growing potatoes = tubers, ridges, harvest
keeping houseplants = windowsill, leaves, moisture; growing sunflowers = stalks, petals, bees
making a rain garden = drain, reeds, slope; growing beans = poles, vines, pods
planting a fruit tree = sapling, trunk, stake; growing salad greens = lettuce, shade, slugs
starting seeds indoors = trays, warmth, lamp; keeping a water garden = pond, lilies, pump
making a garden path = stones, sand, spade; growing garlic = cloves, autumn, mulch
caring for orchids = bark, humidity, stems; planting wildflowers = meadow, seeds, butterflies
growing peppers = greenhouse, peppers, fertilizer; weeding by hand = hoe, weeds, gloves
"""

CRAFTS = """
watercolor painting = brush, pigment, paper; playing the guitar = strings, chords, rhythm
knitting a scarf = needles, yarn, stitches; pottery for beginners = clay, wheel, glaze
singing in a choir = voices, harmony, breath; drawing portraits = pencil, shadows, eyes
taking photographs = camera, lens, light; carving wood = knife, grain, bench
playing the piano = keys, scales, fingers; writing short stories = characters, plot, ending
folding paper figures = creases, paper, patience; sewing a bag = fabric, thread, zipper
learning the violin = bow, strings, posture; making candles = wax, wick, scent
acting on a stage = script, audience, gestures; writing poems = rhyme, images, verses
dancing the tango = partner, steps, music; making jewelry = beads, wire, pliers
keeping a sketchbook = pages, ink, habit; printing with linoleum = roller, ink, blade
playing the drums = sticks, beat, cymbals; making a short film = scenes, actors, microphone
weaving a basket = willow, reeds, rim; lettering by hand = pen, strokes, alphabet
building model ships = masts, glue, plans; quilting with friends = squares, pattern, batting
"""

SPORTS = """
learning chess = pawns, openings, clock; running a first race = shoes, pace, finish
swimming for fitness = pool, strokes, goggles; playing table tennis = paddle, spin, net
climbing indoors = ropes, holds, grip; cycling to work = helmet, lane, pedals
playing badminton = racket, shuttle, court; rowing on a lake = oars, boat, rhythm
hiking in the hills = trail, boots, map; learning to skate = ice, blades, balance
playing basketball = hoop, passes, team; practicing yoga = mat, breath, poses
playing volleyball = serve, net, teammates; sailing a small boat = sail, wind, rudder
learning judo = throws, belt, falls; playing board games = dice, rules, players
cross country skiing = snow, poles, wax; playing tennis = serve, court, footwork
archery for beginners = bow, target, arrows; playing soccer = goalkeeper, passes, field
learning to surf = board, waves, beach; playing golf = clubs, putting, swing; jumping rope = rope, rhythm, wrists
solving crosswords = clues, grid, letters; playing darts = board, aim, throw
fencing at a club = mask, blade, footwork
"""

STUDY = """
writing a clear report = headings, summary, evidence; learning a new language = vocabulary, grammar, practice
a job interview = questions, employer, posture; giving a talk = slides, audience, notes
preparing for an exam = schedule, flashcards, breaks; working from home = desk, routine, meetings
leading a small team = goals, feedback, trust; taking good notes = notebook, keywords, margins
reading a difficult book = chapters, dictionary, pencil; writing a resume = skills, layout, experience
managing your time = calendar, priorities, deadlines; learning to type = keyboard, fingers, speed
asking good questions = curiosity, listening, answers; working in a group = roles, agreement, conflict
writing a polite email = subject, greeting, request; planning a school project = poster, sources, partner
starting a small business = customers, budget, permit; learning from mistakes = reflection, pride, habits
tutoring a younger student = patience, examples, homework; a first day at work = colleagues, badge, training
remembering names = faces, repetition, tricks; learning to code = editor, functions, bugs
running a short meeting = agenda, minutes, decisions; choosing a course of study = interests, advisor, career
studying with friends = library, snacks, quiz; speaking with confidence = voice, pauses, mirror
"""

TRAVEL = """
a weekend in Lisbon = trams, tiles, hills; a train ride across Canada = windows, forests, sleeper
hiking in the Alps = huts, passes, glacier; a visit to Kyoto = temples, gardens, tea
a road trip along the coast = cliffs, beaches, map; camping by a lake = tent, campfire, stars
a day in Istanbul = bazaar, mosque, ferry; a bicycle tour in Holland = canals, windmills, bridges
a boat trip on the Nile = river, temples, captain; a winter week in Norway = fjord, snow, lights
a food tour of Mexico City = markets, tacos, streets; a safari in Kenya = lions, guide, savanna
a museum day in Paris = paintings, river, tickets; an island holiday in Greece = harbor, olives, sunset
a visit to Machu Picchu = ruins, llamas, altitude; traveling with children = snacks, games, naps
traveling alone = freedom, safety, diary; packing a light bag = backpack, clothes, list
a night train to Vienna = berth, platform, conductor; a walk through Rome = fountains, ruins, cobblestones
a trip to the desert = dunes, camels, sky; staying on a farm = barn, eggs, tractor
a canal trip in England = locks, barge, towpath; a ski trip with friends = slopes, lift, cabin
visiting a rainforest = canopy, frogs, guide; a weekend in Edinburgh = castle, hills, bagpipes
"""

HOME = """
saving money for a trip = budget, savings, goal; fixing a flat tire = patch, pump, wheel
painting a room = roller, tape, primer; cleaning a kitchen = sponge, counter, vinegar
moving to a new home = boxes, truck, keys; sharing a flat = roommates, chores, rent
making a family budget = income, bills, spreadsheet; repairing a chair = glue, clamp, joint
organizing a closet = shelves, hangers, donations; hosting a dinner party = guests, menu, table
saving electricity = lamps, heating, meter; buying a used car = mileage, mechanic, price
caring for a pet = food, vet, walks; doing the laundry = detergent, stains, basket
shopping with a list = store, prices, coupons; baking with children = aprons, flour, fun
fixing a leaking tap = washer, wrench, valve; arranging a small room = furniture, mirror, storage
planning a birthday party = balloons, cake, guests; building a bookshelf = boards, screws, level
keeping a home safe = locks, alarm, neighbors; writing a shopping plan = meals, fridge, receipts
recycling at home = glass, paper, bins; cleaning windows = cloth, streaks, ladder
sewing on a button = needle, thread, shirt; choosing a mattress = sleep, springs, warranty
"""
